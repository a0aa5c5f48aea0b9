"""The composition root: feeds, pipeline and the view on what they found."""
