"""Several runs from one command: what each came to, and what a person sees of it.

Runs may happen in other processes, on other machines even: all that is known of them stands in
files of the sweep's scratch folder (`tunebook.sweep.scratch`). Nothing here imports torch.
"""
