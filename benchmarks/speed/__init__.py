"""How long each query strategy takes to pick 100 items, beside other libraries doing the same."""
