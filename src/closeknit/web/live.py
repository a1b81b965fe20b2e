def poke(members, topic, version): pass
def close_streams(key): pass
