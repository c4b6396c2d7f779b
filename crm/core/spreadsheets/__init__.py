"""Tables that users bring and take away: CSV and XLSX, read and written in constant memory."""

from crm.core.spreadsheets.archive import check_archive
from crm.core.spreadsheets.cells import escape_formula, unescape_formula
from crm.core.spreadsheets.reading import Caution, Sheet, read_rows
from crm.core.spreadsheets.unreadable import Unreadable
from crm.core.spreadsheets.writing import write_rows_csv, write_xlsx

__all__ = [
    "Caution",
    "Sheet",
    "Unreadable",
    "check_archive",
    "escape_formula",
    "read_rows",
    "unescape_formula",
    "write_rows_csv",
    "write_xlsx",
]
