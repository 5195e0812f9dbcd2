"""Mirakl marketplaces (MMP seller API): one code for every operator; what operators differ in is connection options."""
