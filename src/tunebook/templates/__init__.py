"""Hard prompts: the text around the fields of an example."""
