"""What the studies' pages hold: tables and pictures of published records. `python docs/make_studies.py` writes them."""
