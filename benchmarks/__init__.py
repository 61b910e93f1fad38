"""What watches the speed of topobench over time: the regression gate (`gate.py`)."""
