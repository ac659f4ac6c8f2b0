"""How the embedded bases are made: text, instructions, tokenizer and training loop.

`python -m recipes.pretrain model=tiny_t5` runs it from the repository alone.
"""
