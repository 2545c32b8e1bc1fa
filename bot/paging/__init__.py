"""Carrying pages to staff when a chat is not enough."""
