"""The demo: two sample members and a friend, seven months of their life, and both phones on one page."""
