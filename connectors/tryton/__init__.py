"""What every Tryton (8.0 or newer) is spoken to with, be it ERP or warehouse. Tryton's own code is never imported."""
