s/"topics", "plan"/"kafka", "plan"/
