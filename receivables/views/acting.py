"""The page of one act: its form, what it means, and the way back."""

from django.http import HttpResponse

from crm.core.web.pages import company_url, form_page


def act_page(request, form, title: str, back: str, pk: int | None = None, explains: str = "") -> HttpResponse:
    """The form of an act; `back` names the page it came from."""
    where = company_url(request, back, **({} if pk is None else {"pk": pk}))
    return form_page(request, "closing/act.html", form, title=title, back=where, explains=explains)
