"""The API's own documentation page, self-hosted and within the content security policy."""

from django.urls import reverse
from drf_spectacular.views import SpectacularSwaggerSplitView


class ApiDocs(SpectacularSwaggerSplitView):
    def _get_schema_url(self, request):
        return reverse("api:schema", kwargs={"tenant": request._request.tenant.slug})
