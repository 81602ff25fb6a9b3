"""The model families. Each module holds

NETWORKS               name -> what differs from the family's BASE (families/common.py says how a network is described)
shape(name)            the whole description
config(network)        config.json
weights(network, generator)   {name: tensor}
windows(network, stack)       by layer, how many keys a query sees at most, itself included (None: all up to itself);
                              None instead of a list where a query sees keys on both sides
"""
