"""A private place where people who matter to each other practise emotional intimacy."""

__version__ = "0.1.0"
