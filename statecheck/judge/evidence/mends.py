"""What mends a defect of the library's own, for the causes and for `doctor`, which finds it without an app."""

MEMORY_IN_RAM = "pip install 'SQLAlchemy<2.1', or give `Memory` a database: `async_database_uri=`"
"""Where a default `Memory`, whose SQLite database is in process memory, loses what comes at once."""
