"""Speed and memory of this project beside others: the same model, data and settings.

The others are stock PEFT as its documentation writes it, and a few lines of plain transformers that
somebody writes who knows where time goes (`loop`). `settings` reads the request, `measure` starts a
fresh process for each measurement, the sides taking turns, and `report` shows what they come to.
"""
