"""What stands behind the dashboard's page: models and captures by name, recording, fitting, and what a page may ask."""
