"""What reads language: pure, no Django, no network. So far the corpus that it learns from."""
