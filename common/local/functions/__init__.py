"""The functions as the platform runs them: each from its bundle, in processes of its own, let into
so many at once, all on one port."""
