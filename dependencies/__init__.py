"""The packages that an installation brings: their lock, licences and known vulnerabilities."""
