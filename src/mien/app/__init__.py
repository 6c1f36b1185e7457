"""The Streamlit app, for a person who never opens a terminal: photos, videos, samples, judging, the camera.

What is uploaded stays in the memory of this process: it is not written to disk, not logged and not sent anywhere. Only
faces that a person corrects are kept, where the app was started with a folder for them and the person wants it.
"""
