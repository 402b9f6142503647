def check(tally):
    pass
