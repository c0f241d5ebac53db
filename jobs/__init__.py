"""What runs: the steps that Airflow calls, and the commands behind make run, up, down and doctor."""
