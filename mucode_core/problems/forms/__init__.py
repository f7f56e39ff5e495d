"""What readers of several data sets share: packed tests, pairs of input and output, statements, modules of tests."""
