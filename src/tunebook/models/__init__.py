"""The frozen base model: what it is (facts), where it computes (device), and loading it (base)."""
