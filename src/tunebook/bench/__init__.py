"""Speed and memory of this project beside stock PEFT: the same model, data and settings.

`settings` reads the request, `compare` starts one fresh process a measurement and alternates,
`measure` is what such a process does, `table` and `figure` show it.
"""
