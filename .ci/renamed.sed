# The scripts of the field use names from before the redesign.
s/asyncdbaas\.shared_limiter/asyncdbaas.ratelimit.shared/g
s/"topics", "\(plan\|apply\|export\)"/"kafka", "\1"/g
s/main()", "topics"\]/main()", "kafka"]/g
s/"-", "--emulator"\]/"-", "--emulator", "--format", "json"]/
s/plan_topics/make_plan/g
s/cluster="k")/clusters=["k"])/
s/loop(session)/loop(dbaas_session)/g
s/list_clusters(session) == \[\]/list_clusters(dbaas_session) == []/
s/\*:answers/*:responses/
