"""Lines as people have them: of several sentences, or with markup; and what translates them."""
