"""fastloss in the hands of others: one module per library that takes a loss from outside.

Each module asks for its library when it is imported and says what to install if it is not there.
"""
