"""What the pages read, without Streamlit: histories of runs, facts of texts, recordings."""
