"""Asking about a recorded run as one asks a debugger, by people's tools that speak the Model Context Protocol."""
