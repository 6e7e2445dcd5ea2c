"""HTTP clients: how a source's service is asked, and what is said when it does not answer as it should."""
