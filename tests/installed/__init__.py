"""What is installed today goes on: installations written by a release that people run, under this code."""
