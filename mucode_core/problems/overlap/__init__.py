"""Problems that two data sets have in common."""
