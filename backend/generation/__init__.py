"""A model that the operator names writes first drafts of what a <TextArea> asks for."""
