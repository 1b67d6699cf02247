"""RNN Lab: see how recurrent networks learn. Start it with ``streamlit run streamlit_app.py``."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

if get_script_run_ctx(suppress_warning=True) is None:
    # read once, by the server: its routes besides Streamlit's
    from rnnlab.server import routes

    app = st.App("streamlit_app.py", routes=routes.ROUTES, middleware=routes.MIDDLEWARE, lifespan=routes.lifespan)
else:
    # read for every drawing of a page
    from rnnlab.view.page import frame

    frame.run()
