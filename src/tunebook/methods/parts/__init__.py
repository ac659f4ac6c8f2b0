"""What several methods share: PEFT wrapping, first values, and the prompt computed once."""
