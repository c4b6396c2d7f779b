"""Pages on paper: a template becomes a PDF by WeasyPrint, which may fetch nothing.

WeasyPrint needs libraries of the system (Pango). It is loaded when the first PDF is asked for; where the
libraries are missing that request is refused with what to install, and everything else works.
"""

from functools import cache

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _

from crm.core.errors import Refused

LIBRARIES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk"


class Unavailable(Refused):
    """This machine cannot make PDFs yet (503)."""

    status = 503

    def __init__(self):
        super().__init__(
            _("PDF files need libraries that this server lacks. Ask whoever runs it to install: %(libraries)s.")
            % {"libraries": LIBRARIES},
            code="PDF_UNAVAILABLE",
        )


@cache
def _weasyprint():
    import weasyprint

    return weasyprint


def is_available() -> bool:
    try:
        _weasyprint()
    except OSError:
        return False
    return True


def render(template: str, context: dict, *, stylesheet: str) -> bytes:
    """The PDF of a template, dressed by a stylesheet that is a template too. Raises Unavailable."""
    try:
        weasyprint = _weasyprint()
    except OSError as error:
        raise Unavailable from error
    fetcher = weasyprint.urls.URLFetcher(allowed_protocols=())  # nothing inside a document may reach out
    html = weasyprint.HTML(string=render_to_string(template, context), url_fetcher=fetcher)
    sheet = weasyprint.CSS(string=render_to_string(stylesheet, context), url_fetcher=fetcher)
    return html.write_pdf(stylesheets=[sheet])


def answer(template: str, context: dict, *, stylesheet: str, name: str) -> HttpResponse:
    """The PDF as an answer that the browser shows, kept under `name` (without .pdf) when it is saved."""
    body = render(template, context, stylesheet=stylesheet)
    return HttpResponse(
        body,
        content_type="application/pdf",
        headers={
            "Content-Disposition": content_disposition_header(as_attachment=False, filename=f"{name}.pdf"),
            "Cache-Control": "no-store, private",
        },
    )
