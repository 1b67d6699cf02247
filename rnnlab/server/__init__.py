"""The server of the pages: what it answers besides Streamlit's own addresses."""
