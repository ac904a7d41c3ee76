UPDATE solar.plants SET name = 'changed';
