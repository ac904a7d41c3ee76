"""The warehouse: connections, COPY, SQL files, deletion in batches."""
