"""A loss, a recipe and a card for topobench."""
