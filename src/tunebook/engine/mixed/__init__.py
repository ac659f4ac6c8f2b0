"""One batch whose rows belong to several tuned models of one base."""
