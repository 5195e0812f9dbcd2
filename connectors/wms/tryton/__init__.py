"""A warehouse that is run on Tryton (8.0 or newer) with its `stock` module, over its REST interface."""
