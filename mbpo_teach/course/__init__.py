"""What surrounds the notebooks: a learner's copies, the machine, JupyterLab."""
