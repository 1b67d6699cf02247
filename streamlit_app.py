"""RNN Lab: see how recurrent networks learn. Start it with ``streamlit run streamlit_app.py``."""

from rnnlab.view.page import frame

frame.run()
