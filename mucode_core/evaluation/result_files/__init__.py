"""Result files of other tools, read as samples: one module per tool, `forms` recognises which one a file is of."""
