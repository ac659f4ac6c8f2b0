"""Speed and memory of this project beside others: the same model, data and settings.

The others are stock PEFT as its documentation writes it, and a few lines of plain transformers that
somebody writes who knows where time goes (`loop`).

`settings` reads the request, `compare` starts one fresh process a measurement and alternates,
`measure` is what such a process does, `table` and `figure` show it.
"""
