"""The Streamlit app, for a person who never opens a terminal: read photos, walk through samples, judge, watch live.

What is uploaded stays in the memory of this process: it is not written to disk, not logged and not sent anywhere.
"""
