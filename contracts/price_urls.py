from django.urls import path

from .views import prices

app_name = "prices"
urlpatterns = [
    path("prices/", prices.price_lists, name="lists"),
    path("prices/new/", prices.create_list, name="create_list"),
    path("prices/<int:pk>/", prices.price_list, name="list"),
    path("prices/<int:pk>/edit/", prices.edit_list, name="edit_list"),
    path("prices/<int:pk>/new/", prices.create, name="create"),
    path("prices/of/<int:pk>/", prices.edit, name="edit"),
    path("prices/of/<int:pk>/remove/", prices.remove, name="remove"),
    path("settings/tax-codes/", prices.tax_codes, name="tax_codes"),
    path("settings/tax-codes/new/", prices.create_tax_code, name="create_tax_code"),
    path("settings/tax-codes/<int:pk>/", prices.edit_tax_code, name="edit_tax_code"),
]
