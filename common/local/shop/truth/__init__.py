"""The shop's true answers, worked out in plain Python from what was drawn."""
