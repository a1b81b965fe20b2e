"""How the coach's model is made from data that somebody brings. Nothing here runs when pages are served."""
